#include "model/load/turns.h"

#include <utility>

namespace gemma4::model {

void Turns::reserve(std::size_t rows) {
  const auto lock = pool_.acquire();
  if (workspace_ && workspace_->rows >= rows) return;
  workspace_ = std::make_unique<Workspace>(config_, rows, pool_.size());
}

Turn Turns::take() { return Turn(pool_.acquire(), {matmul_, *workspace_}); }

}  // namespace gemma4::model
