(module (import "spacetime_10.99" "nope" (func)) (memory (export "memory") 1) (data (i32.const 16) "\03\00\00\00abc"))
