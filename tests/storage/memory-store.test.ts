import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { storeContract } from "./store-contract.ts";

const store = new MemoryStore();
storeContract(() => store);
