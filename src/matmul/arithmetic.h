// Arithmetic: the choices by which a row's result could depend on the rows beside it, in one place.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace gemma4::matmul {

/// How finely the activations of many rows are rounded for weights in blocks.
enum class Activations : std::uint8_t {
  coarse,  ///< 8 bits with a scale per 32: noise of about 0.5 % of the result's size, never above 1 %. bf16 for the BF16
           ///< weights of such a model: 0.2 %.
  fine,    ///< 16 bits, two products for one: for attention, whose errors the softmax amplifies, and for short prompts.
};

/// What the caller of a step decides for all of it.
///
/// Together, the default, each product takes the fastest way for the rows there are. Then a row's last bits depend on how
/// many rows come with it, at five places: the bits of the feed-forward activations (feed_forward), the kernel of a
/// product (streams), the blocks that the four rows of a coarse tile store twice (only where feed_forward is coarse), the
/// rows that chose the same expert (streams again), and where attention cuts a row's keys between threads (cuts_keys).
///
/// Independent, a row's bits follow from its own sequence and position, whatever else the step computes: every product
/// takes the kernel of few rows, whose sums no other row takes part in. Few rows cost what they cost together; many cost
/// more, since the weights are unpacked anew for every four of them.
class Arithmetic {
 public:
  static constexpr Arithmetic together() noexcept { return Arithmetic(false); }
  static constexpr Arithmetic independent() noexcept { return Arithmetic(true); }

  /// Activations of the large products of a step of `rows` rows, those of the feed-forward blocks. (The layers' other
  /// products, a fifth of the work, and the head are always fine.) Few rows are bound by reading the weights: precision
  /// costs little there.
  Activations feed_forward(std::size_t rows) const noexcept {
    return independent_ || rows <= kFineRows ? Activations::fine : Activations::coarse;
  }

  /// Whether a product of `rows` rows streams the weights past them, at most kGemvRows at a time (row_products.h).
  /// Otherwise the weights come in tiles (panel_products.h, dense_products.h).
  bool streams(std::size_t rows) const noexcept { return independent_ || rows <= kernels::kGemvRows; }

  /// Whether attention may cut the keys of a row between threads, at places that follow from the work of the whole step.
  bool cuts_keys() const noexcept { return !independent_; }

 private:
  static constexpr std::size_t kFineRows = 64;

  constexpr explicit Arithmetic(bool independent) noexcept : independent_(independent) {}
  bool independent_;
};

}  // namespace gemma4::matmul
