// azd, after it has deployed: how to connect.
import { azdEnvironment } from "./environment.mjs";
import { instructions } from "./instructions.mjs";

console.log(instructions(azdEnvironment(process.env)));
