// Loaded into every test process: property tests draw from one seed, so that a run says the same each time.
// KEELSON_PROPERTY_SEED=N draws others; a seed that found something belongs into the test as an example.
import { configureGlobal, readConfigureGlobal } from 'fast-check'

configureGlobal({ ...readConfigureGlobal(), seed: Number(process.env.KEELSON_PROPERTY_SEED ?? 1) })
