export { default } from "cardea:policy/counters@0.1.0";
