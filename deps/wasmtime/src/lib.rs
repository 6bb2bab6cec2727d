//! Re-exports the C API of Wasmtime so that every symbol lands in one static library.
pub use wasmtime_c_api::*;
