// session.h: MemoryPlan.
#include "arguments.h"

namespace gemma4::python {

void bind_memory_plan(py::module_& module) {
  py::class_<MemoryPlan>(module, "MemoryPlan",
                         "What a model and one session over it take, in bytes; from Model.memory_plan(). A table in a notebook.")
      .def_property_readonly(
          "weights",
          [](const MemoryPlan& self) {
            py::dict parts;
            for (const ModelPart& part : self.weights) parts[py::str(part.name)] = part.bytes;
            return parts;
          },
          "Bytes of the model's file by part; mapped, read when they are first used.")
      .def_readonly("weight_bytes", &MemoryPlan::weight_bytes, "Their sum.")
      .def_readonly("kv_cache_bytes", &MemoryPlan::kv_cache_bytes, "Keys and values, committed when the session is made.")
      .def_readonly("workspace_bytes", &MemoryPlan::workspace_bytes, "Activations of a step, once per model; committed when its first session is made.")
      .def_readonly("state_bytes", &MemoryPlan::state_bytes, "Logits and history, committed when the session is made.")
      .def_readonly("checkpoint_bytes", &MemoryPlan::checkpoint_bytes, "What Session.checkpoint() may take on top, at most.")
      .def_property_readonly("session_bytes", &MemoryPlan::session_bytes, "Session.memory_bytes of a new session.")
      .def_property_readonly("total_bytes", &MemoryPlan::total_bytes, "Weights, workspace and one session, without checkpoints.")
      .def("__repr__", [](const MemoryPlan& self) {
        return py::str("MemoryPlan(weight_bytes={}, kv_cache_bytes={}, workspace_bytes={}, total_bytes={})")
            .format(self.weight_bytes, self.kv_cache_bytes, self.workspace_bytes, self.total_bytes());
      });
}

}  // namespace gemma4::python
