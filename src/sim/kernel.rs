pub struct Kernel;
