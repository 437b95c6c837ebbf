// gemma4 tokenize: text to ids and back.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "commands.h"
#include "common.h"

namespace cli {
namespace {

struct Arguments {
  std::string path;
  TextArguments text;
  bool special = false;
  bool bos = false;
  bool ids_only = false;
  std::vector<gemma4::TokenId> decode;
};

void run(const Arguments& arguments) {
  const auto tokenizer = gemma4::Tokenizer::load(arguments.path);
  if (!arguments.decode.empty()) {
    const std::string text = tokenizer.decode(arguments.decode);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::printf("\n");
    return;
  }
  const std::vector<gemma4::TokenId> ids = tokenizer.encode(arguments.text.read(), arguments.bos, arguments.special);
  if (arguments.ids_only) {
    for (std::size_t i = 0; i < ids.size(); ++i) std::printf(i == 0 ? "%d" : " %d", ids[i]);
    std::printf("\n");
    return;
  }
  for (const gemma4::TokenId id : ids) {
    std::printf("%7d  %s\n", id, json_string(std::string(tokenizer.id_to_token(id))).c_str());
  }
}

}  // namespace

void add_tokenize(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("tokenize", "Turn text into token ids, or ids into text");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("MODEL", arguments->path, "Model folder, tokenizer.json, or GGUF file")->required();
  arguments->text.add_to(*command);
  command->add_flag("--special", arguments->special, "Let the text of control tokens become those tokens");
  command->add_flag("--bos", arguments->bos, "Begin with <bos>");
  command->add_flag("--ids", arguments->ids_only, "Print the ids only, on one line");
  command->add_option("--decode", arguments->decode, "Ids to turn into text")->delimiter(',');
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
