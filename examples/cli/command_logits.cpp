// gemma4 logits: what the model predicts after a text, as a NumPy file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "npy.h"

namespace cli {
namespace {

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  TextArguments text;
  std::vector<gemma4::TokenId> ids;
  std::string out;
  bool special = false;
  bool no_bos = false;
  bool all = false;
};

void run(const Arguments& arguments) {
  const std::string text = arguments.ids.empty() ? arguments.text.read() : std::string();
  const gemma4::Model model = arguments.model.load();
  const std::vector<gemma4::TokenId> ids =
      arguments.ids.empty() ? model.tokenizer().encode(text, !arguments.no_bos, arguments.special) : arguments.ids;
  gemma4::Session session = arguments.session.open(model);

  const std::int64_t vocab_size = model.config().vocab_size;
  const auto rows = static_cast<std::int64_t>(ids.size());
  const Interrupt interrupt(Interrupt::On::any_end);
  Progress progress("computing");
  gemma4::PrefillOptions options;
  options.cancel = interrupt.token();
  options.progress = [&progress](std::size_t done, std::size_t total) { progress.show(done, total); };
  if (!arguments.all) {
    const gemma4::Span<const float> logits = session.prefill(ids, options);
    NpyWriter file(arguments.out, {vocab_size});
    file.write(logits);
    file.close();
    progress.clear();
    std::printf("%s: float32 [%lld]\n", arguments.out.c_str(), static_cast<long long>(vocab_size));
    return;
  }
  // In pieces, so that the logits of a long text need not fit into memory.
  const std::size_t piece =
      std::max<std::size_t>(1, (std::size_t{64} << 20) / (4 * static_cast<std::size_t>(vocab_size)));
  options.want = gemma4::Want::all_logits;
  options.progress = nullptr;
  if (ids.empty()) session.prefill(ids, options);  // throws: nothing to compute
  NpyWriter file(arguments.out, {rows, vocab_size});
  for (std::size_t i = 0; i < ids.size(); i += piece) {
    const std::size_t n = std::min(piece, ids.size() - i);
    file.write(session.prefill({ids.data() + i, n}, options));
    progress.show(i + n, ids.size());
  }
  file.close();
  progress.clear();
  std::printf("%s: float32 [%lld, %lld]\n", arguments.out.c_str(), static_cast<long long>(rows),
              static_cast<long long>(vocab_size));
}

}  // namespace

void add_logits(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("logits", "Write the logits after a text to a .npy file");
  const auto arguments = std::make_shared<Arguments>();
  arguments->model.add_to(*command);
  arguments->text.add_to(*command);
  arguments->session.add_to(*command);
  command->add_option("--ids", arguments->ids, "Token ids instead of a text")->delimiter(',');
  command->add_option("--out", arguments->out, "The .npy file; appears when it is complete")->required();
  command->add_flag("--all", arguments->all,
                    "Logits of every token: [tokens, vocab_size]; else of the last: [vocab_size]");
  command->add_flag("--special", arguments->special, "Let the text of control tokens become those tokens");
  command->add_flag("--no-bos", arguments->no_bos, "Do not begin the text with <bos>");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
