// The commands of the gemma4 program: each adds its options to the app and runs when it is named.
#pragma once

namespace CLI {
class App;
}

namespace cli {

void add_generate(CLI::App& app);
void add_chat(CLI::App& app);
void add_info(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_logits(CLI::App& app);
void add_perplexity(CLI::App& app);
void add_quantize(CLI::App& app);
void add_bench(CLI::App& app);

}  // namespace cli
