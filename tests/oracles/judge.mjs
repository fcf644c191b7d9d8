// Reads {filters, resources, patches} from stdin and writes to stdout what scim2-parse-filter and scim-patch make of them:
// for each filter a verdict per resource, for each patch the resource afterwards; {error} where the library refuses.
import { readFileSync } from "node:fs";
import filters from "scim2-parse-filter";
import patching from "scim-patch";

const attempt = (work) => {
  try {
    return work();
  } catch (error) {
    return { error: `${error.scimCode ?? error.name}: ${error.message}` };
  }
};

const input = JSON.parse(readFileSync(0, "utf8"));
const verdicts = input.filters.map((text) =>
  attempt(() => input.resources.map((resource) => filters.filter(filters.parse(text))(resource))),
);
// A replace that selects nothing is refused (RFC 7644 §3.5.2.3), not turned into an add.
const options = { mutateDocument: false, treatMissingAsAdd: false };
const patched = input.patches.map(({ resource, operations }) =>
  attempt(() => ({ resource: patching.scimPatch(resource, operations, options) })),
);
process.stdout.write(JSON.stringify({ verdicts, patched }));
