"""Certificates: right ones hold, and nothing that was tampered with does, whoever made the digests fit."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit

from qcos.cli import main
from qcos_optimizer import optimize
from qcos_optimizer.certificate import Certificate, Malformed, Window, Windows, canonical, digest
from qcos_optimizer.chains import chains
from qcos_optimizer.lowering import PartsCache, level_zero
from qcos_optimizer.parsing import parse
from qcos_optimizer.passes.blocks import lower_merged
from qcos_optimizer.recheck import NotShown
from qcos_optimizer.scanning import Unreadable
from qcos_optimizer.source import take_apart
from qcos_optimizer.verification import Verifier
from qcos_optimizer.windows import cut
from tests.bench.random_circuits import failures

from .certificates import CASES, SMALL, SMALL_3, case, check, mutants, outputs, stages
from .circuits import HEADER


@pytest.mark.parametrize("how", CASES)
def test_a_right_certificate_holds_for_both_forms(how: str) -> None:
    text, made = case(how)
    certificate = made.certificate
    assert certificate is not None
    for output in outputs(made).values():
        shown = check(text, output, certificate)
        assert 0 <= shown.error < 1e-10
        assert (shown.qubits, shown.native_gates) == (made.qubits, len(made.gates))
    assert Certificate.from_bytes(certificate).to_bytes() == certificate
    document = json.loads(certificate)
    assert document["input"] == {"openqasm3" if how.endswith("3") else "openqasm2": digest(text.encode())}
    names = [stage["stage"] for stage in document["stages"]]
    # Gates of OpenQASM 3 that have no name of their own are rotations before windows are cut.
    in_two = ("rotations", "blocks", "windows3", "rotations3", "blocks3")
    assert names == (["rotations", "windows"] if how in in_two else [how.rstrip("3")])
    assert stages(how)[0].get("condensed") == (how.startswith("blocks") if how in in_two else None)
    assert made.to_dict()["certificate"] == certificate.decode()


@pytest.mark.parametrize("how", CASES)
def test_planted_errors_are_refused(how: str) -> None:
    text, made = case(how)
    names = set()
    for name, mutant in mutants(made):
        certificate = mutant.certificate
        assert certificate is not None
        for form, output in outputs(mutant).items():
            with pytest.raises(NotShown) as refused:
                check(text, output, certificate)
            assert "for another" not in str(refused.value), (name, form)
        names.add(name)
    assert len(names) == 11


@pytest.mark.parametrize(("by", "right"), [(0.0, True), (1e-6, False), (-0.2, False), (0.25, False)])
def test_what_a_window_does_not_leave_over_as_one_qubit_gates_is_an_error(by: float, right: bool) -> None:
    """XX turned too far leaves no trace on either qubit alone, so that no later check could see it."""
    text = HEADER + "qreg q[2];\nrxx(pi/5) q[0],q[1];\n"
    gate = {"gate": "ms", "targets": [0, 1], "phases": [0.0, 0.0], "angle": 0.1 + by}
    output = canonical({"gateset": "native", "qubits": 2, "circuit": [gate]})
    certificate = Certificate(
        digest(text.encode()),
        {"openqasm2": "", "ionq": digest(output)},
        2,
        (0, 1),
        (0.0, 0.0),
        (("c", 2),),
        (0, 1),
        (Windows((Window((0,), 1, (0, 1)),)),),
    ).to_bytes()
    if right:
        assert check(text, output, certificate).error < 1e-14
    else:
        with pytest.raises(NotShown, match="window 0"):
            check(text, output, certificate)


@pytest.mark.parametrize("how", CASES)
def test_measurements_of_the_file_count_whatever_the_certificate_says(how: str) -> None:
    text, made = case(how)
    certificate = made.certificate
    assert certificate is not None
    document = json.loads(certificate)
    qasm = made.to_qasm2()
    lines = [line for line in qasm.splitlines() if line.startswith("measure")]
    first, second = (line.split("->")[1] for line in lines[:2])
    for output in (
        qasm.replace(lines[0] + "\n", ""),
        qasm.replace(first, " @").replace(second, first).replace(" @", second),
    ):
        assert output != qasm
        document["output"]["openqasm2"] = digest(output.encode())
        with pytest.raises(NotShown, match="measures other qubits"):
            check(text, output.encode(), canonical(document))


@pytest.mark.parametrize("how", CASES)
def test_a_dropped_cz_at_the_end_is_refused(how: str) -> None:
    """It keeps the distribution of the bits, but not the unitary."""
    text, _ = case(how)
    entangler = next(line for line in text.splitlines(keepends=True) if line.startswith("cz "))
    other = text.replace(entangler, "")
    assert other != text
    without = optimize(other, "ionq_forte", 0)
    certificate = without.certificate
    assert certificate is not None
    output = without.to_qasm2().encode()
    assert check(other, output, certificate).error < 1e-10
    with pytest.raises(NotShown, match="another input"):
        check(text, output, certificate)
    document = json.loads(certificate)
    (form,) = document["input"]
    document["input"][form] = digest(text.encode())
    with pytest.raises(NotShown):
        check(text, output, canonical(document))
    document["stages"] = stages(how)
    with pytest.raises(NotShown):
        check(text, output, canonical(document))


def test_a_certificate_names_the_language_of_its_input() -> None:
    text, made = case("unitary3")
    assert made.certificate is not None
    document = json.loads(made.certificate)
    named = document["input"]["openqasm3"]
    for given, problem in (({"openqasm2": named}, NotShown), ({"openqasm2": named, "openqasm3": named}, Malformed)):
        with pytest.raises(problem):
            check(text, outputs(made)["ionq"], canonical({**document, "input": given}))


def test_the_certificate_of_another_circuit() -> None:
    (small, one), (large, other) = case("unitary"), case("windows")
    for text, output, certificate, what in (
        (small, one, other, "input"),
        (large, one, other, "output"),
        (small, other, one, "output"),
    ):
        assert certificate.certificate is not None
        with pytest.raises(NotShown, match=f"another {what}"):
            check(text, output.to_qasm2().encode(), certificate.certificate)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a document are; of long lists the first, one in the middle and the last."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list) and value:
        for place in sorted({0, len(value) // 2, len(value) - 1}):
            yield from leaves(value[place], (*path, place))
    else:
        yield path


def changed(document: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> bytes:
    made = copy.deepcopy(document)
    inside = made
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = change(inside[path[-1]])
    return canonical(made)


def other_value(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        # Of a Pauli its first letter, of a digest its last.
        return value.translate(str.maketrans("IXYZ", "XYZI")) if set(value) <= set("IXYZ") else value[:-1] + "?"
    if isinstance(value, int | float):
        return value + (1 if isinstance(value, int) else 1e-5)
    return [0] if value == [] else 0


@pytest.mark.parametrize("how", CASES)
def test_every_field_that_is_tampered_with_is_noticed(how: str) -> None:
    text, made = case(how)
    certificate = made.certificate
    assert certificate is not None
    document = json.loads(certificate)
    last = len(document["stages"]) - 1
    windows = document["stages"][last].get("windows", [])
    tampered = 0
    for path in leaves(document):
        # To multiply out blocks that need it not, or to count a pulse after it to the last window, is no lie.
        if path[-1] == "condensed" or path[:-1] == ("stages", last, "windows", len(windows) - 1):
            continue
        forms = outputs(made)
        for form in {path[1]} if path[0] == "output" else forms:
            with pytest.raises((NotShown, Malformed)):
                check(text, forms[form], changed(document, path, other_value))
        tampered += 1
    assert tampered >= 15
    for name in document:
        without = {key: value for key, value in document.items() if key != name}
        with pytest.raises(Malformed):
            check(text, outputs(made)["ionq"], canonical(without))
        with pytest.raises((Malformed, NotShown)):
            check(text, outputs(made)["ionq"], canonical({**document, name: None}))
    with pytest.raises(Malformed):
        check(text, outputs(made)["ionq"], canonical({**document, "more": 1}))


@pytest.mark.parametrize("how", [how for how in CASES if not how.startswith("unitary")])
def test_stages_that_do_not_fit_together(how: str) -> None:
    text, made = case(how)
    certificate = made.certificate
    assert certificate is not None
    document = json.loads(certificate)
    last = document["stages"][-1]
    windows = last["windows"]
    wide = [[sorted(member for window in windows for member in window[0]), len(made.gates)]]
    for other in (
        [],
        document["stages"][:-1],
        [last, last],
        [{"stage": "unitary"}],
        [*document["stages"][:-1], {"stage": "windows", "windows": windows[:-1]}],
        [*document["stages"][:-1], {"stage": "windows", "windows": [*windows, windows[0]]}],
        [*document["stages"][:-1], {"stage": "windows", "windows": windows[::-1]}],
        [*document["stages"][:-1], {"stage": "windows", "windows": wide}],
    ):
        if other == document["stages"]:
            continue
        with pytest.raises(NotShown):
            check(text, outputs(made)["ionq"], canonical({**document, "stages": other}))


@pytest.mark.parametrize(
    "broken",
    [b"", b"nonsense", b"[]", b"{}", b"\xff", b'{"format":1,"format":2}', b'{"a":NaN}', b"[" * 100_000],
)
def test_what_is_no_certificate(broken: bytes) -> None:
    text, made = case("unitary")
    with pytest.raises(Malformed):
        check(text, outputs(made)["ionq"], broken)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff",
        b"{}",
        b'{"gateset":"native","qubits":4}',
        b'{"gateset":"qis","qubits":4,"circuit":[]}',
        b'{"gateset":"native","qubits":4,"circuit":[{"gate":"gpi","target":4,"phase":0}]}',
        b'{"gateset":"native","qubits":4,"circuit":[{"gate":"zz","targets":[0,0],"angle":0.1}]}',
        b'{"gateset":"native","qubits":4,"circuit":[{"gate":"zz","targets":[0,1],"phases":[0,0],"angle":0.1}]}',
        b'{"gateset":"native","qubits":4,"circuit":[{"gate":"ms","targets":[0,1],"angle":0.1}]}',
        b'{"gateset":"native","qubits":4,"circuit":[{"gate":"gpi","target":0,"phase":1e300}]}',
        b'{"gateset":"native","qubits":4,"circuit":[{"gate":"x","target":0}]}',
        b'{"gateset":"native","qubits":4,"circuit":[7]}',
        b"OPENQASM 2.0;\nqreg q[4];\nreset q[0];\n",
    ],
)
def test_what_is_no_native_circuit(broken: bytes) -> None:
    text, made = case("unitary")
    assert made.certificate is not None
    with pytest.raises(Unreadable):
        check(text, broken, made.certificate)


def test_circuits_that_were_not_given_as_text_have_none() -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    made = optimize(circuit, "ionq_forte", 1)
    assert made.verification.verdict == "proved"
    assert made.certificate is None
    assert made.to_dict()["certificate"] is None


def test_a_text_that_two_readers_understand_differently_is_never_proved() -> None:
    text, _ = case("unitary")
    source = take_apart(parse(text))
    other = text.replace("measure q[2] -> m[1];", "measure q[2] -> m[0];")
    chain = next(iter(chains(source, 1, 0)))
    candidate = lower_merged("blocks", chain.via, chain.merged, "zz", "z")
    assert Verifier(source, 0, text).verify(candidate) is not None
    assert Verifier(source, 0, other).verify(candidate) is None
    assert Verifier(source, 0, text.replace("0.4", "0.4001")).verify(candidate) is None


MISREADINGS = {
    "unitary3": """negctrl > ctrl | inv @ t > t | pow(-2) > pow(2) | pow(-2) > pow(-1) | 0.7 > 0.700001
        | gphase(a) > gphase(-a) | q[1], q[3], q[0] > q[3], q[1], q[0] | m[1] = > m[0] = | q[-1] > q[2]""",
    "windows3": """negctrl > ctrl | inv @ t > t | -0.3) > -0.300001) | q[8],q[2],q[6] > q[8],q[6],q[2]
        | q[11],q[4] > q[11],q[5] | c = measure q > c[0] = measure q[0]""",
}


@pytest.mark.parametrize("how", MISREADINGS)
def test_openqasm_3_that_two_readers_understand_differently_is_never_proved(how: str) -> None:
    text, _ = case(how)
    source = take_apart(parse(text))
    candidate = level_zero(source, cut(source), "zz", PartsCache())
    # Two controls alike may change places.
    for same in (text, text.replace("q[1],q[8],", "q[8],q[1],")):
        assert Verifier(source, 0, same).verify(candidate) is not None
    for misreading in MISREADINGS[how].split("|"):
        old, new = misreading.strip().split(" > ")
        assert old in text
        assert Verifier(source, 0, text.replace(old, new)).verify(candidate) is None, misreading


def test_what_windows_leave_over_stays_exact_however_deep_the_circuit() -> None:
    """A Toffoli spreads a rounding error over its qubits: found again in each, it would grow with every window."""
    random = np.random.default_rng(4)
    places = [random.choice(14, 3, replace=False).tolist() for _ in range(700)]
    text = HEADER + "qreg q[14];\n" + "".join(f"ccx q[{a}],q[{b}],q[{c}];\n" for a, b, c in places)
    made = optimize(text, "ionq_forte", 0)
    assert (made.verification.verdict, made.verification.method) == ("proved", "windows")
    assert made.verification.proof is not None
    assert made.verification.proof.error < 1e-10


def test_two_thousand_gates_take_little_room() -> None:
    gates = [
        f"cx q[{place % 12}],q[{(place * 5 + 1 + place % 3) % 12}];\nrz(0.{place + 1}) q[{place * 5 % 12}];\n"
        for place in range(1_000)
    ]
    text = (
        HEADER
        + "qreg q[12];\n"
        + "".join(gate for gate in gates if not any(f"q[{n}],q[{n}]" in gate for n in range(12)))
    )
    made = optimize(text, "ionq_forte", 0)
    assert made.certificate is not None
    assert len(made.certificate) < 200_000
    assert check(text, outputs(made)["ionq"], made.certificate).error < 1e-9


def test_checking_loads_neither_qiskit_nor_any_pass() -> None:
    program = (
        "import sys\nfrom qcos_optimizer.recheck import recheck\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('qiskit', 'qiskit_ionq', 'scipy', 'rustworkx')"
        " or name.startswith(('qcos_optimizer.passes', 'qcos_optimizer.portfolio', 'qcos_optimizer.synthesis'))])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    text, made = case("rotations")
    assert made.certificate is not None
    contents = {"in.qasm": text.encode(), "proof.json": made.certificate, **outputs(made)}
    contents["wrong"] = dict(mutants(made))["angle wrong by 1e-6"].to_qasm2().encode()
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in contents}


def test_the_command_says_how_it_was_proved(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("openqasm2", "ionq"):
        assert main(["certify", files["in.qasm"], files[form], files["proof.json"]]) == 0
        told = capsys.readouterr().out
        assert "verdict      proved" in told
        assert "stage 1" in told
        assert "windows of at most 6 qubits" in told
        assert digest(Path(files["proof.json"]).read_bytes()) in told


def test_the_command_says_no_and_cannot_say(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", files["in.qasm"], files["wrong"], files["proof.json"]]) == 1
    assert "not proved: the certificate is for another output" in capsys.readouterr().out
    assert main(["certify", files["in.qasm"], files["openqasm2"], files["in.qasm"]]) == 2
    assert main(["certify", files["proof.json"], files["openqasm2"], files["proof.json"]]) == 2
    assert main(["certify", files["in.qasm"], files["proof.json"], files["proof.json"]]) == 2
    assert main(["certify", files["in.qasm"], files["openqasm2"], "/nowhere"]) == 2
    assert capsys.readouterr().err.count("qcos: ") == 4


@pytest.mark.parametrize("seed", range(4))
def test_random_circuits_are_proved_and_right(seed: int) -> None:
    """A sample of ``make fuzz-optimizer``: both levels, both machines."""
    assert failures(seed) == []


@pytest.mark.parametrize(("text", "changed"), [(SMALL, "0.4001"), (SMALL_3, "0.3001")])
def test_from_the_shell_there_and_back(tmp_path: Path, text: str, changed: str) -> None:
    source, output, proof = (str(tmp_path / name) for name in ("in.qasm", "out.qasm", "proof.json"))
    Path(source).write_text(text)
    saved = ["-o", output, "--certificate", proof]
    assert main(["optimize", source, "--target", "ionq_aria", "--level", "0", *saved]) == 0
    assert main(["certify", source, output, proof]) == 0
    Path(source).write_text(text.replace(changed[:3], changed))
    assert main(["certify", source, output, proof]) == 1
