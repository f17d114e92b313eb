module proxy-wasm-go

go 1.25
