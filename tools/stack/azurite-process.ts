// Runs Azurite as a child of the stack, and leaves with it: even a stack that was killed must not leave
// something behind that holds its ports and its files.
process.on("disconnect", () => process.exit(0));

const [service] = process.argv.splice(2, 1);
await import(
  service === "table" ? "azurite/dist/src/table/main.js" : "azurite/dist/src/azurite.js"
);
