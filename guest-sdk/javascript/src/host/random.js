export { default } from "cardea:policy/random@0.1.0";
