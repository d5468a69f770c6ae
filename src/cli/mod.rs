//! The command line: arguments, one file per subcommand, printing.
