export { default } from "cardea:policy/exchange@0.1.0";
