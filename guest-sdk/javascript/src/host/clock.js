export { default } from "cardea:policy/clock@0.1.0";
