// Log lines to whoever asked for them (gemma4/host.h); silent by default.
#pragma once

#include "base/check.h"
#include "gemma4/host.h"

namespace gemma4::base {

/// True when somebody wants lines of this level: to ask before assembling one.
bool logs(LogLevel level) noexcept;
void write_log(LogLevel level, const std::string& line);

/// A line assembled from parts. Costs a load when nobody listens; never fails.
template <class... Parts>
void log(LogLevel level, const Parts&... parts) noexcept {
  if (!logs(level)) return;
  try {
    write_log(level, concat(parts...));
  } catch (...) {  // no memory for the line
  }
}

}  // namespace gemma4::base
