//! Golden cases: recordings of real Postfix, played in the simulation and compared.
