#include "model/config/config.h"

namespace gemma4::model {

ModelConfig parse_config(const weights::Checkpoint& checkpoint) {
  if (checkpoint.gguf() != nullptr) return parse_gguf_config(checkpoint);
  return parse_hf_config(*checkpoint.config_json(), checkpoint.generation_config_json());
}

}  // namespace gemma4::model
