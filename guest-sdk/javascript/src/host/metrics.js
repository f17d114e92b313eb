export { default } from "cardea:policy/metrics@0.1.0";
