fn main() -> std::process::ExitCode {
    mxlab::cli::main()
}
