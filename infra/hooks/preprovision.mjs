// azd, before it provisions: stops where the deployment would fail, and says what helps.
import { management } from "./azd-session.mjs";
import { checkBeforeProvisioning } from "./check-before-provisioning.mjs";
import { azdEnvironment } from "./environment.mjs";

const { problems, notes } = await checkBeforeProvisioning(azdEnvironment(process.env), management);
for (const note of notes) console.log(note);
for (const problem of problems) console.error(`\n${problem}`);
if (problems.length > 0) process.exit(1);
