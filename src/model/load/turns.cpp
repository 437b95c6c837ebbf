#include "model/load/turns.h"

#include <algorithm>
#include <utility>

namespace gemma4::model {

Turn::~Turn() { turns_.give_back(std::move(workspace_)); }

Turn::Turn(Turns& turns)
    : turns_(turns), lock_(turns.pool_.acquire()), workspace_(turns.lend()) {}

void Turns::reserve(std::size_t rows) {
  const auto lock = pool_.acquire();
  if (free_ && free_->rows >= rows) return;
  free_ = std::make_unique<Workspace>(config_, rows, pool_.size());
  rows_ = std::max(rows_, rows);
}

std::unique_ptr<Workspace> Turns::lend() {
  return free_ ? std::move(free_) : std::make_unique<Workspace>(config_, rows_, pool_.size());
}

void Turns::give_back(std::unique_ptr<Workspace> workspace) noexcept {
  if (!free_ || free_->rows < workspace->rows) free_ = std::move(workspace);
}

}  // namespace gemma4::model
