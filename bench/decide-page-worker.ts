import { identitiesOf, signingKeyOf, type DeviceBundle } from "../src/owner/device-bundle.ts";
import { signApproval } from "../src/owner/decide.ts";
import { envelopeSigner } from "../src/owner/identity.ts";
import { fileName, type Terms } from "../src/protocol/decision.ts";

/** Runs in a worker of the browser, as the vault does: signs the same terms again and again. */
interface Work {
  readonly bundle: DeviceBundle;
  readonly terms: Terms;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly samples: number;
}
/** A worker's own scope, which these types do not have. */
const scope = globalThis as unknown as {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: Work }) => void): void;
};

scope.addEventListener("message", ({ data }) => void measure(data));

async function measure({ bundle, terms, files, samples }: Work): Promise<void> {
  const signer = envelopeSigner(signingKeyOf(bundle));
  const durationsMs: number[] = [];
  for (let count = 0; count <= samples; count += 1) {
    const startedAtMs = performance.now();
    await signApproval(
      terms,
      identitiesOf(bundle),
      async (id, file) => files.get(fileName(id, file)) ?? new Uint8Array(),
      signer,
    );
    // The first is left out: code is cold then.
    if (count > 0) durationsMs.push(performance.now() - startedAtMs);
  }
  scope.postMessage(durationsMs);
}
