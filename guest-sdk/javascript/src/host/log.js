export { default } from "cardea:policy/log@0.1.0";
