// The metadata of a Gemma 4 GGUF, from a Hugging Face folder's files or from another GGUF.
#pragma once

#include "formats/gguf_writer.h"
#include "gemma4/config.h"
#include "gemma4/options.h"
#include "weights/checkpoint.h"

namespace gemma4::quantization {

/// general.* and gemma4.* keys, the tokenizer and its template, and the sampling defaults of a folder.
/// Throws Error: bad_format, unsupported (a tokenizer or a config that GGUF cannot express), bad_config (more tokens
/// than the embedding has rows).
void add_folder_metadata(formats::GgufHead& head, const weights::Checkpoint& folder, const ModelConfig& config,
                         const SamplerOptions& sampling);

/// Every key of the file but those about its types, its parts and what a text decoder does not use.
void copy_metadata(formats::GgufHead& head, const formats::GgufFile& file);

/// Divisors of the full layers' rotary angles: 1 for the pairs that turn, 1e30 for those that stay. [head_dim / 2]
std::vector<float> rope_divisors(const ModelConfig& config);

}  // namespace gemma4::quantization
