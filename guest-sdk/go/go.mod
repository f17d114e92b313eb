module cardea.dev/policy

go 1.25
