module http-wasm-go

go 1.25
