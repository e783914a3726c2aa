"""Compiling the many small functions of a kernel once, as a part of what calls them.

Numba optimises each function that another calls as if Python would call it too, and makes machine code of it. Both are
done again where it is inlined. A function compiled with :class:`Linked` is only linked into its callers, which saves
a quarter of the time that a new combination of parts takes.
"""

from typing import Any

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.environment import lookup_environment
from numba.core.typed_passes import NativeLowering


class _Library(JITCodeLibrary):
    """Code to be linked into that of its callers."""

    def finalize(self) -> None:
        """Take in what is called from here, and stop at that."""
        self._raise_if_finalized()  # type: ignore[no-untyped-call]
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    _name = "lowering_to_be_linked"

    def run_pass(self, state: Any) -> bool:
        library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)  # type: ignore[no-untyped-call]
        state.library = library
        state.flags.no_compile = True
        changed: bool = super().run_pass(state)  # type: ignore[no-untyped-call]
        made = state["cr"]
        # Numba knows a compiled function by the object that Python would call. This one has no code (address 0).
        name = made.fndesc.qualname.split(".")[-1]
        handle = _dynfunc.make_function(made.fndesc.lookup_module(), name, "", 0, made.env, (library,))
        state.targetctx.insert_user_function(handle, made.fndesc, [library])
        state["cr"] = made._replace(cfunc=handle)
        return changed


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringWhole(NativeLowering):
    _name = "lowering_with_what_is_linked"

    def run_pass(self, state: Any) -> bool:
        changed: bool = super().run_pass(state)  # type: ignore[no-untyped-call]
        for name in [one.name for one in state.library._final_module.global_variables]:
            if (environment := lookup_environment(name)) is not None:
                state.library.codegen.set_env(name, environment)
        return changed


class _Compiler(CompilerBase):
    lowering: type[NativeLowering]

    def define_pipelines(self) -> list[PassManager]:
        usual = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes = PassManager(type(self).__name__)
        passes.passes = [(self.lowering if step is NativeLowering else step, why) for step, why in usual.passes]
        passes.finalize()
        return [passes]


class Linked(_Compiler):
    """Compiler of functions that compiled functions call, and Python does not: the ``pipeline_class`` of ``njit``."""

    lowering = _Lowering


class Whole(_Compiler):
    """Compiler of what Python calls: what is linked into it finds there what it needs of Python, as ``print`` does."""

    lowering = _LoweringWhole
