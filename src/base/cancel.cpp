// CancelToken's question to its host (gemma4/types.h).
#include "gemma4/types.h"

namespace gemma4 {

bool CancelToken::ask() const noexcept {
  try {
    if (!state_->poll()) return false;
  } catch (...) {  // the host wants no more
  }
  cancel();
  return true;
}

}  // namespace gemma4
