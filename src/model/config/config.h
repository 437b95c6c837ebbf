// config.json or GGUF metadata to ModelConfig, validated field by field; the file's sampling defaults.
#pragma once

#include <cstdint>
#include <string>

#include "formats/json.h"
#include "gemma4/config.h"
#include "gemma4/options.h"
#include "weights/checkpoint.h"

namespace gemma4::model {

/// The hyper-parameters of a checkpoint, every layer resolved, every bound checked. Token ids are those the files name;
/// the loader adds the end tokens that Gemma 4 has by their text.
/// Throws Error: bad_config (missing, out of range, contradictory), bad_format (a value of another type),
/// bad_checkpoint (a GGUF that lacks some of its attn_v tensors), unsupported (another model_type or architecture, a
/// quantization, a rope type, an activation or an attention that this library does not compute; the message names it).
ModelConfig parse_config(const weights::Checkpoint& checkpoint);

/// From generation_config.json or general.sampling.*; fields the file does not name keep SamplerOptions' defaults.
/// do_sample false gives temperature 0.
SamplerOptions parse_sampler_defaults(const weights::Checkpoint& checkpoint, const ModelConfig& config);

// The parts of parse_config.

/// From config.json and, where there is one, generation_config.json, whose token ids win.
/// Source: HF transformers models/gemma4/configuration_gemma4.py, whose class defaults stand for missing keys.
ModelConfig parse_hf_config(const formats::JsonDocument& config, const formats::JsonDocument* generation_config);
/// From the metadata under "gemma4." and, where no key says it, from the presence and shape of tensors.
ModelConfig parse_gguf_config(const weights::Checkpoint& checkpoint);

/// The bounds of what decides the number and width of layers, for those who make them before complete_config().
void check_layer_counts(const ModelConfig& config, const std::string& source);
/// `id` within the vocabulary. `where` is the file and the key, for the message.
TokenId checked_token(const std::string& where, std::int64_t id, const ModelConfig& config);
/// Checks every field but the token ids against its bounds, then fills LayerConfig::kv_source. `source` stands in messages.
void complete_config(ModelConfig& config, const std::string& source);

}  // namespace gemma4::model
