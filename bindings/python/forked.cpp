// What a child process that forked finds: models and their sessions without the threads they worked with.
#include "arguments.h"

namespace gemma4::python {

namespace {

using Loaded = std::shared_ptr<const model::LoadedModel>;

/// All under the GIL, which a thread that forks holds.
struct Models {
  std::vector<std::weak_ptr<const model::LoadedModel>> here;
  std::vector<Loaded> behind;  // of the parent: kept for ever, since destroying one would wait for its threads
  int forks = 0;
};

Models& models() {
  static Models* const instance = new Models;
  return *instance;
}

void forked() {
  Models& m = models();
  ++m.forks;
  for (const auto& model : m.here) {
    if (Loaded loaded = model.lock()) m.behind.push_back(std::move(loaded));
  }
  m.here.clear();
}

}  // namespace

int forks() { return models().forks; }

void remember(const Model& model) {
  std::vector<std::weak_ptr<const model::LoadedModel>>& here = models().here;
  for (std::size_t i = here.size(); i-- > 0;) {
    if (here[i].expired()) here.erase(here.begin() + static_cast<std::ptrdiff_t>(i));
  }
  here.push_back(model.impl());
}

Model open(const Model& model) {
  if (!model.impl()) throw Error(ErrorCode::invalid_argument, "Model: closed; load it again");
  for (const Loaded& loaded : models().behind) {
    if (loaded == model.impl()) {
      throw Error(ErrorCode::unsupported, "Model: loaded before this process forked, its threads are the parent's; load it here");
    }
  }
  return model;
}

void bind_fork() {
  py::dict hooks;
  hooks["after_in_child"] = py::cpp_function(&forked);
  py::module_::import("os").attr("register_at_fork")(**hooks);
}

}  // namespace gemma4::python
