"""Who may import whom: the rooms of the house, for test_architecture.py."""

from house_rules import Room

# Who may import whom. A file belongs to the first room that names it, by pattern; a file in no room fails.
GROUND = (
    "kernels/choosing.py",
    "kernels/dispatch.py",
    "kernels/noise.py",
    "kernels/contracts.py",
    "kernels/vectors.py",
)
PARTS = (
    "kernels/cells.py",
    "kernels/losses.py",
    "kernels/rules.py",
    "kernels/decorrelation.py",
    "kernels/schedules.py",
    "kernels/effects.py",
)
BODY = (
    *GROUND,
    *PARTS,
    "kernels/passes.py",
    "kernels/number.py",
    "kernels/layout.py",
    "kernels/synapses.py",
    "kernels/team.py",
)
LEARNING = ("kernels/readouts.py", "kernels/window.py", "kernels/feedback.py", "kernels/mixing.py")
CONTROLLED = ("kernels/updates.py", "kernels/readouts.py", "kernels/twins.py")
READERS = ("onlinernn/inputs.py", "onlinernn/initialise.py", "onlinernn/progress.py", "onlinernn/results.py")
SPECIFIERS = (
    "onlinernn/specification.py",
    "onlinernn/hardware.py",
    "onlinernn/fixed.py",
    "onlinernn/border.py",
    "onlinernn/played.py",
)
HELPERS = (
    *READERS,
    "onlinernn/accounts.py",
    "onlinernn/chunks.py",
    *SPECIFIERS,
    "onlinernn/snapshot.py",
    "onlinernn/threads.py",
    "onlinernn/weights.py",
)
OBJECTS = ("onlinernn/errors.py", "onlinernn/parts.py", "onlinernn/checkpoint.py", "onlinernn/learner.py")
JUDGES = ("onlinernn/scores.py", "onlinernn/evaluate.py", "onlinernn/baselines.py", "onlinernn/plots.py")
APART = ("onlinernn/reference/*.py", "onlinernn/tasks/*.py")
NUMBA = ("numba", "numpy")
ROOMS = (
    Room(("kernels/__init__.py",), (), ()),
    Room(("kernels/builtins.py",), (), ("numba", "llvmlite")),
    Room(("kernels/linking.py",), ("kernels/builtins.py",), ("numba", "llvmlite")),
    Room(("kernels/choosing.py",), (), ("numba",)),
    Room(("kernels/dispatch.py",), ("kernels/choosing.py", "kernels/linking.py"), NUMBA),
    Room(("kernels/faults.py",), (), NUMBA),
    Room(("kernels/contiguous.py", "kernels/vectors.py"), (), (*NUMBA, "llvmlite")),
    Room(("kernels/held.py",), ("kernels/contiguous.py",), (*NUMBA, "llvmlite")),
    Room(("kernels/team.py",), ("kernels/dispatch.py",), ("numba", "llvmlite")),
    Room(("kernels/noise.py", "kernels/contracts.py"), ("kernels/dispatch.py",), NUMBA),
    Room(PARTS, GROUND, NUMBA),
    Room(("kernels/room.py",), (*GROUND, "kernels/effects.py", "kernels/layout.py"), NUMBA),
    Room(
        ("kernels/converters.py", "kernels/devices.py", "kernels/pulses.py"),
        (*GROUND, "kernels/effects.py", "kernels/room.py"),
        NUMBA,
    ),
    Room(("kernels/passes.py", "kernels/synapses.py"), (*GROUND, *PARTS), NUMBA),
    Room(("kernels/number.py",), (*GROUND, "kernels/passes.py"), NUMBA),
    Room(("kernels/layout.py",), (*GROUND, *PARTS, "kernels/number.py"), NUMBA),
    Room(("kernels/updates.py",), BODY, NUMBA),
    Room(LEARNING, (*BODY, "kernels/updates.py"), NUMBA),
    Room(("kernels/wide.py",), ("kernels/dispatch.py",), (*NUMBA, "llvmlite")),
    Room(("kernels/integers.py",), (*BODY, "kernels/wide.py"), NUMBA),
    Room(("kernels/integer_parts.py",), (*BODY, "kernels/integers.py", "kernels/updates.py"), NUMBA),
    Room(("kernels/twins.py",), BODY, NUMBA),
    Room(("kernels/arrays.py",), (*BODY, "kernels/room.py"), NUMBA),
    Room(
        ("kernels/crossbar.py", "kernels/writes.py"),
        (*BODY, *CONTROLLED, "kernels/room.py", "kernels/arrays.py"),
        NUMBA,
    ),
    Room(("kernels/traces.py",), (*BODY, "kernels/updates.py", "kernels/readouts.py"), NUMBA),
    Room(("kernels/advance.py",), (*BODY, *CONTROLLED, "kernels/crossbar.py", *LEARNING), NUMBA),
    Room(
        ("kernels/lockstep.py",),
        (
            *BODY,
            "kernels/updates.py",
            *LEARNING,
            "kernels/traces.py",
            "kernels/crossbar.py",
            "kernels/writes.py",
            "kernels/advance.py",
        ),
        NUMBA,
    ),
    Room(("kernels/entry.py",), ("kernels/*.py",), NUMBA),
    Room(("onlinernn/errors.py",), (), ()),
    Room(("onlinernn/reference/*.py",), ("onlinernn/reference/*.py", "onlinernn/errors.py"), ("numpy",)),
    Room(("onlinernn/tasks/*.py",), ("onlinernn/tasks/*.py", "onlinernn/errors.py"), ("numpy",)),
    Room(("onlinernn/parts.py",), ("kernels/*.py", "onlinernn/errors.py"), ("numpy",)),
    Room(("onlinernn/checkpoint.py",), ("kernels/*.py", *OBJECTS[:2]), ("numpy",)),
    Room(READERS, (), ("numpy",)),
    Room(HELPERS, ("kernels/*.py", *READERS, *OBJECTS[:3], *SPECIFIERS), ("numpy",)),
    Room(("onlinernn/network.py",), ("kernels/*.py", *HELPERS, *OBJECTS[:3]), ("numpy",)),
    Room(("onlinernn/learner.py",), ("kernels/*.py", "onlinernn/network.py", *HELPERS, *OBJECTS[:3]), ("numpy",)),
    Room(("onlinernn/referee.py",), ("kernels/*.py", *HELPERS, *OBJECTS), ("numpy",)),
    Room(
        ("onlinernn/scene.py", "onlinernn/locality.py"),
        ("kernels/*.py", "onlinernn/scene.py", *OBJECTS),
        ("numpy",),
    ),
    Room(
        ("onlinernn/checks/*.py",),
        (
            "kernels/*.py",
            "onlinernn/checks/*.py",
            *(f"onlinernn/{name}.py" for name in ("scene", "locality", "snapshot", "hardware", "substrates")),
            *OBJECTS,
            *APART,
        ),
        ("numpy", "hypothesis", "pytest"),
    ),
    Room(("onlinernn/plot_hardware.py",), ("onlinernn/plots.py",), ("numpy", "matplotlib")),
    Room(("onlinernn/plots.py",), (*OBJECTS, *APART), ("numpy", "matplotlib")),
    Room(("onlinernn/scores.py",), (*OBJECTS[:1], *APART), ("numpy",)),
    Room(("onlinernn/evaluate.py",), (*OBJECTS, *APART, *JUDGES[:1]), ("numpy",)),
    Room(("onlinernn/baselines.py",), ("kernels/*.py", *OBJECTS, *APART, *JUDGES[:2]), ("numpy", "scipy")),
    Room(("onlinernn/substrates.py",), ("kernels/*.py",), ()),
    Room(
        ("onlinernn/substrate_file.py",),
        ("kernels/*.py", "onlinernn/hardware.py", "onlinernn/substrates.py", *OBJECTS[:3]),
        (),
    ),
    Room(
        ("onlinernn/on_hardware.py",),
        (
            "kernels/*.py",
            *(f"onlinernn/{name}.py" for name in ("hardware", "substrates", "studies/pool")),
            *OBJECTS,
            *JUDGES,
            *APART,
        ),
        ("numpy",),
    ),
    Room(("onlinernn/settings.py", "onlinernn/templates.py"), (), ()),
    Room(
        ("onlinernn/controls.py",),
        (
            "kernels/*.py",
            *(f"onlinernn/{name}.py" for name in ("settings", "substrate_file", "substrates")),
            *OBJECTS,
            *JUDGES,
            *APART,
        ),
        ("numpy",),
    ),
    Room(
        ("onlinernn/compare*.py",),
        (
            "kernels/*.py",
            *(f"onlinernn/{name}.py" for name in ("settings", "controls", "referee", "compare_torch")),
            *OBJECTS,
            *JUDGES,
            *APART,
        ),
        ("numpy",),
    ),
    Room(("onlinernn/journal.py",), ("onlinernn/checkpoint.py", "onlinernn/evaluate.py"), ()),
    Room(
        ("onlinernn/__init__.py",),
        (
            "kernels/*.py",
            "onlinernn/results.py",
            "onlinernn/referee.py",
            "onlinernn/substrates.py",
            *OBJECTS,
            *JUDGES,
            *APART,
        ),
        (),
    ),
    Room(
        ("onlinernn/studies/*.py",),
        (
            "kernels/*.py",
            "onlinernn/studies/*.py",
            *(
                f"onlinernn/{name}.py"
                for name in ("__init__", "settings", "controls", "compare", "checkpoint", "progress")
            ),
            *OBJECTS,
            *JUDGES,
            *APART,
        ),
        ("numpy", "matplotlib", "PIL"),
    ),
    Room(("onlinernn/bench_peers.py",), (), NUMBA),
    Room(("onlinernn/bench_others.py",), ("onlinernn/bench_peers.py",), ("numpy",)),
    Room(("onlinernn/bench_picture.py",), (), ("matplotlib",)),
    Room(("onlinernn/bench_scripts.py",), (), ()),
    Room(("onlinernn/bench_instructions.py",), (), ()),
    Room(
        ("onlinernn/bench.py",),
        ("kernels/*.py", "onlinernn/bench_peers.py", "onlinernn/bench_others.py", *OBJECTS),
        NUMBA,
    ),
    Room(
        ("onlinernn/bench_bounds.py",),
        ("kernels/*.py", "onlinernn/bench*.py", "onlinernn/compare*.py", "onlinernn/settings.py", *OBJECTS, *APART),
        NUMBA,
    ),
    Room(
        ("onlinernn/bench_hardware.py",),
        ("kernels/*.py", *(f"onlinernn/{name}.py" for name in ("bench", "substrate_file", "substrates")), *OBJECTS),
        ("numpy",),
    ),
    Room(
        ("onlinernn/bench_more.py",), ("kernels/*.py", "onlinernn/bench*.py", "onlinernn/referee.py", *OBJECTS), NUMBA
    ),
    Room(("onlinernn/formulas.py",), (), ("numpy",)),
    Room(
        ("onlinernn/fitting.py",),
        ("kernels/*.py", *(f"onlinernn/{name}.py" for name in ("scene", "substrates")), *OBJECTS),
        ("numpy",),
    ),
    Room(
        ("onlinernn/cli_explain.py", "onlinernn/explained.py"),
        ("kernels/*.py", "onlinernn/*.py", "onlinernn/checks/*.py"),
        (),
    ),
    Room(("onlinernn/cli*.py", "onlinernn/__main__.py", "demos/*.py"), ("kernels/*.py", "onlinernn/*.py"), ("numpy",)),
    Room(("tests/naive.py",), (), ("numpy",)),
)
