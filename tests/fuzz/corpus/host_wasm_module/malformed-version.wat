(module (import "spacetime_10.x" "nope" (func)))
