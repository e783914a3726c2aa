"""Compiling the many small functions of a kernel once, as a part of what calls them.

Numba optimises each function that another calls as if Python would call it too, and makes machine code of it. Both are
done again where it is inlined. A function compiled with :class:`Linked` is only linked into its callers, and compiled
by itself when Python calls it after all. What Python calls is optimised as a whole.
"""

import ctypes
import functools
import re
from types import CodeType
from typing import Any

from llvmlite import binding
from llvmlite.ir import Constant
from numba import _dynfunc, config, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.core.cgutils import normalize_ir_text
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, compile_extra
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.environment import lookup_environment
from numba.core.lowering import Lower
from numba.core.typed_passes import DumpParforDiagnostics, IRLegalization, NativeLowering, NopythonRewrites
from numba.core.untyped_passes import DeadBranchPrune, InlineClosureLikes, WithLifting

from onlinernn.kernels.builtins import LeanBuiltins

#: How Python calls compiled code: of something that does not matter here, of arguments, and of named ones or null.
_CALL = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)


class _Library(JITCodeLibrary):
    """Code to be linked into that of its callers: its text, which LLVM reads where all of it comes together."""

    def add_ir_module(self, ir_module: Any) -> None:
        """Take in the code of a function."""
        for function in ir_module.functions:
            if not function.is_declaration and not function.linkage:
                function.linkage = "linkonce_odr"  # there may be another copy of it, and it may go where it is inlined
        self._text = normalize_ir_text(str(ir_module))
        self.raises = re.search(r"\bret i32 (?!0\b)", self._text) is not None

    def finalize(self) -> None:
        """Take in nothing of what is called from here."""
        self._raise_if_finalized()  # type: ignore[no-untyped-call]
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        # For a function that Numba compiles as usual.
        if self._shared_module is None:
            module = binding.parse_assembly(self._text)
            _link(module, self)
            self._shared_module = module
        return self._shared_module


def _link(module: Any, caller: Any) -> None:
    """Link into a module all that the library `caller` calls, and what that calls, each once."""
    linked, waiting = {caller}, list(caller._linking_libraries)
    while waiting:
        library = waiting.pop()
        if library in linked:
            continue
        linked.add(library)
        if isinstance(library, _Library):
            module.link_in(binding.parse_assembly(library._text))
            waiting += library._linking_libraries
        else:
            module.link_in(library._get_module_for_linking(), preserve=True)
        caller._reload_init.update(library._reload_init)


class _WholeLibrary(JITCodeLibrary):
    """Code that is optimised when all of it is there, and not before that."""

    def add_llvm_module(self, module: Any) -> None:
        """Take in the code of a function as it is."""
        module.data_layout = self._codegen._data_layout
        self._final_module.link_in(module)

    def finalize(self) -> None:
        """Take in what is called from here, and make machine code of all."""
        _link(self._final_module, self)
        self._linking_libraries.clear()
        super().finalize()  # type: ignore[no-untyped-call]

    def _optimize_final_module(self) -> None:
        # Numba does it twice, to find counts of references that cancel out: there are none. Loops are not unrolled:
        # those that take long go several vectors in a turn already, and copies take a quarter of the time of LLVM.
        options = binding.create_pipeline_tuning_options(int(config.OPT))  # type: ignore[attr-defined]
        options.loop_vectorization = bool(config.LOOP_VECTORIZE)  # type: ignore[attr-defined]
        options.slp_vectorization = bool(config.SLP_VECTORIZE)  # type: ignore[attr-defined]
        options.loop_unrolling = False
        builder = binding.create_pass_builder(self._codegen._tm, options)
        builder.getModulePassManager().run(self._final_module, builder)


def _by_itself(state: Any) -> Any:
    """Return a function that calls what was compiled to be linked, compiled once more as what Python calls."""
    contexts, function, args = (state.typingctx, state.targetctx), state.func_id.func, state.args
    flags, locals_ = state.flags.copy(), state.locals
    flags.no_compile = flags.no_cpython_wrapper = False

    @functools.cache
    def compiled() -> Any:
        return compile_extra(*contexts, function, args, None, flags, locals_, pipeline_class=Whole).entry_point

    return lambda _, given, named: compiled()(*given)


def _call(made: Any, library: Any) -> Any:
    """Return code for a call of a function that raises nothing: Numba would look after it whether it did."""

    def call(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        function = context.declare_function(builder.module, made)
        place, raised = (kind.pointee for kind in function.function_type.args[:2])
        result = cgutils.alloca_once(builder, place)
        passed = context.get_arg_packer(made.argtypes).as_arguments(builder, args)
        builder.call(function, (result, Constant(raised.as_pointer(), None), *passed))
        return context.get_returned_value(builder, made.restype, builder.load(result))

    call.signature, call.libs = made.argtypes, (library,)  # type: ignore[attr-defined]
    return call


class _Lower(Lower):
    def alloca_lltype(self, name: str, lltype: Any, datamodel: Any = None) -> Any:
        """Return a place for a variable, and do not ask LLVM how large it is, for debuggers."""
        return cgutils.alloca_once(self.builder, lltype, name=name)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    _name = "lowering_to_be_linked"
    lowering_class = _Lower

    def run_pass(self, state: Any) -> bool:
        library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)  # type: ignore[no-untyped-call]
        state.library = library
        state.flags.no_compile = state.flags.no_cpython_wrapper = True
        changed: bool = super().run_pass(state)  # type: ignore[no-untyped-call]
        made = state["cr"]
        # Numba knows a compiled function by the object that Python calls.
        name, call = made.fndesc.qualname.split(".")[-1], _CALL(_by_itself(state))
        address, kept = ctypes.cast(call, ctypes.c_void_p).value, (library, call)
        handle = _dynfunc.make_function(made.fndesc.lookup_module(), name, "", address, made.env, kept)
        if library.raises or isinstance(made.fndesc.restype, types.Optional):
            state.targetctx.insert_user_function(handle, made.fndesc, [library])
        else:
            state.targetctx.insert_func_defn([(_call(made.fndesc, library), handle, made.fndesc.argtypes)])
        state["cr"] = made._replace(cfunc=handle)
        return changed


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringWhole(NativeLowering):
    _name = "lowering_with_what_is_linked"
    lowering_class = _Lower

    def run_pass(self, state: Any) -> bool:
        state.library = _WholeLibrary(state.targetctx.codegen(), state.func_id.func_qualname)  # type: ignore[no-untyped-call]
        state.library.enable_object_caching()
        changed: bool = super().run_pass(state)  # type: ignore[no-untyped-call]
        for name in [one.name for one in state.library._final_module.global_variables]:
            if (environment := lookup_environment(name)) is not None:
                state.library.codegen.set_env(name, environment)
        return changed


@register_pass(mutates_CFG=True, analysis_only=False)
class _InlineClosures(InlineClosureLikes):
    _name = "inline_closures_where_there_are_some"

    def run_pass(self, state: Any) -> bool:
        has_closures = any(isinstance(constant, CodeType) for constant in state.func_id.code.co_consts)
        return has_closures and bool(super().run_pass(state))  # type: ignore[no-untyped-call]


class _Compiler(CompilerBase):
    lowering: type[NativeLowering]

    def define_pipelines(self) -> list[PassManager]:
        usual = DefaultPassBuilder.define_nopython_pipeline(self.state)
        # No kernel has expressions that make arrays, for which what is typed is rewritten, or counts what refers to an
        # array, for which it is written down where variables end. None has a `with`, and dead branches are pruned once.
        ours: dict[Any, Any] = {NativeLowering: self.lowering, InlineClosureLikes: _InlineClosures}
        passes = PassManager(type(self).__name__)
        idle = (NopythonRewrites, IRLegalization, WithLifting, DumpParforDiagnostics)
        passes.passes = [(ours.get(step, step), why) for step, why in usual.passes if step not in idle]
        pruning = [(step, why) for step, why in passes.passes if step is DeadBranchPrune]
        for early in pruning[:-1]:
            passes.passes.remove(early)
        passes.add_pass_after(LeanBuiltins, _InlineClosures)
        passes.finalize()
        return [passes]


class Linked(_Compiler):
    """Compiler of functions that compiled functions call, and Python does not: the ``pipeline_class`` of ``njit``."""

    lowering = _Lowering


class Whole(_Compiler):
    """Compiler of what Python calls: what is linked into it finds there what it needs of Python, as ``print`` does."""

    lowering = _LoweringWhole
