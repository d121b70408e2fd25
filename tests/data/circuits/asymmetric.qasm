OPENQASM 2.0;
include "qelib1.inc";
qreg a[1];
qreg q[3];
creg high[1];
creg low[4];
// Before the measurements: a[0] = 1, q[0] = 0, q[1] = 1 with probability 1/4, q[2] = q[1].
x a[0];
swap a[0],q[0];
ry(pi/3) q[1];
cx q[1],q[2];
swap q[0],a[0];
measure q[2] -> low[0];
measure a[0] -> low[2];
measure q[0] -> low[3];
measure q[1] -> high[0];
