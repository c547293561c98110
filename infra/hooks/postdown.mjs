// azd, after it has deleted the resources: what is left outside of the resource group.
import { management } from "./azd-session.mjs";
import { azdEnvironment } from "./environment.mjs";
import { removeAppRegistration } from "./remove-app-registration.mjs";

try {
  console.log(await removeAppRegistration(azdEnvironment(process.env), management.graph));
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`The app registration could not be deleted; do it in the Entra portal. ${reason}`);
  process.exitCode = 1;
}
