export { default } from "cardea:policy/kv-local@0.1.0";
