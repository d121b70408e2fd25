// operations: 41
// comments may hold anything printable or not: éß
OPENQASM 2.0 ; // also here
include "qelib1.inc";

qreg q[3]; qreg r[3]; qreg one[1];
creg c[3];
	creg spare[2];

gate nothing a { }
gate brackets() a { x() a; }
gate pair(theta, phi) a, b
{
  rx(theta/2) a; barrier a, b, a;
  cx a, b;
  rz(-phi^2 + sin(theta)*2) b;
}
gate twice(t) a,b,c { pair(t, -t) a,b; pair(2*t,pi) b,c; brackets a; }
// 3 + 3 + 1 operations each

// the source's own meaning of a name of qelib1.inc
gate swap a,b { cx a,b; cx b,a; cx a,b; }
gate rzz(theta) a,b { cx a,b; rz(theta) b; cx a,b; }

nothing q;
brackets q[0];                        // 1
twice(0.5) q[0],r[0],one[0];          // 7
swap q[1],r[1];                       // 3
rzz(1.5) q, r;                        // 9
h q;                                  // 3
cx q, one[0];                         // 3
cx one, r[2];                         // 1
CX q[0],q[1];                         // 1
U(.5, 5., 2.5e-1) q[2];               // 1
rx(1.e-05) q[0]; rx(1.E+2) q[0];       // 2
rx(-2^2) r[0]; rx(2^-3*4) r[0]; rx(((+1)))r[0]; // 3
rz(ln(exp(1)) + cos(0) - tan(pi/4) * sqrt(2)/3) r[1]; // 1
id q[0];                              // 1
u0(2) q[0];                           // 1
barrier q, r[0], r;
measure q -> c;                       // 3
barrier q;
measure r[0]->spare[0];               // 1
