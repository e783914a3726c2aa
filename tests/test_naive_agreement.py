"""The kernels compute what the naive loops compute, in every combination of parts."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from agreement import compare, problem
from parts_matrix import COMPILED, FAMILIES, TYPED, Case, covering, kind

from onlinernn.kernels.layout import block_rows
from onlinernn.kernels.readouts import RLS

COVERINGS = {family: covering(family, strength=2 if family == "paper" else 1) for family in FAMILIES}
CASES = [case for array in COVERINGS.values() for case in array.cases]
HERE = Path(__file__).parent


@pytest.mark.parametrize("family", FAMILIES)
def test_the_covering_array_covers_what_it_was_asked_for(family: str) -> None:
    met, levels = set(), COMPILED[family]
    for case in COVERINGS[family].cases:
        rule = next(rule for rule in levels["rule"] if repr(rule._replace(noise=case.noise)) == repr(case.rule))
        own = [
            (name, [*map(repr, levels[name])].index(repr(level)))  # two parts without fields are equal tuples
            for name, level in case._replace(rule=rule)._asdict().items()
        ]
        met |= {frozenset(pair) for pair in itertools.combinations(own, 2)}
    assert {frozenset(pair) for pair in COVERINGS[family].pairs} <= met
    assert {name for pair in met for name, _ in pair} == set(levels)


def test_every_setting_of_a_compiled_family_is_met_and_every_pair_of_the_paper_s() -> None:
    for family, levels in COMPILED.items():
        met = {place for pair in COVERINGS[family].pairs for place in pair}
        assert met == {(name, i) for name, of_factor in levels.items() for i in range(len(of_factor))}
    levels, pairs = COMPILED["paper"], {frozenset(pair) for pair in COVERINGS["paper"].pairs}
    for (one, first), (other, second) in itertools.combinations(levels.items(), 2):
        for i, j in itertools.product(range(len(first)), range(len(second))):
            assert frozenset({(one, i), (other, j)}) in pairs


def test_the_covering_arrays_are_small_where_they_compile() -> None:
    kinds = [len({kind(name, level) for level in COMPILED["paper"][name]}) for name in TYPED]
    assert kinds[:2] == [3, 3]  # rules and noise sources: at least nine
    compiled = {family: len({case.compiles_as() for case in array.cases}) for family, array in COVERINGS.items()}
    assert compiled["paper"] <= 12
    assert (compiled["windowed"], compiled["feedback"]) == (2, 3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernels_agree_with_the_naive_loops(case: Case) -> None:
    apart = compare(case, n=7, d=2, m=3, steps=80)
    assert not problem(case, apart)
    assert apart.changes < 2e-4  # over many lessons errors average out
    assert apart.moved > 1e-3


@pytest.mark.parametrize("rule", ["NP", "ANP", "WP", "WindowedNP", "LearnedFeedback"])
def test_a_layer_of_more_than_one_block_agrees(rule: str) -> None:
    n = 114
    assert block_rows(n) < n
    fitting = [case for case in CASES if case.dtype is np.float64 and case.lanes[0] == 1]  # float32 rounds long sums
    case = next(case for case in fitting if type(case.rule).__name__ == rule)
    assert not problem(case, compare(case, n=n, d=3, m=2, steps=12))
    lanes = (2, case.lanes[1] and 2)
    assert not problem(case, compare(case._replace(target_delay=1, lanes=lanes), n=n, d=3, m=2, steps=8))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wrong_rule_disagrees(family: str) -> None:
    cases = COVERINGS[family].cases
    case = next(case for case in cases if case.dtype is np.float64 and not {"A", "R"} & set(case.frozen))
    right = compare(case, n=7, d=2, m=3, steps=80)
    wrong = compare(case, n=7, d=2, m=3, steps=80, mistake=1e-3)
    assert not problem(case, right)
    assert problem(case, wrong)


def test_every_readout_is_compiled_once() -> None:
    assert {type(case.readout) for case in CASES} >= {RLS}
    assert {type(level) for levels in COMPILED.values() for level in levels["readout"]} == {
        type(case.readout) for case in CASES
    }


def test_the_full_product_agrees_in_plain_python() -> None:
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, HERE / "agreement.py"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "740 combinations, 0 disagree" in result.stdout
