"""An emulator of IonQ Cloud API v0.4: a real HTTP server that simulates with qiskit-aer.

Start it with ``python -m infra.local.ionq --port 8300`` or, in a test, with
``infra.local.ionq.server.IonQEmulator``. Shapes, states, error bodies and gate semantics follow IonQ's published
OpenAPI document for v0.4 and what qiskit-ionq 1.1.1, cirq-ionq 1.7 and PennyLane-IonQ 0.45 expect of it; where the
two disagree the answer carries both shapes. Every number that describes a machine (fidelities, times, prices, queue
lengths) is the emulator's own and says nothing about IonQ's hardware.
"""
