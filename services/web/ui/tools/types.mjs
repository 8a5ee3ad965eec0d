// types.mjs OPENAPI OUT: TypeScript types of the schemas in an OpenAPI 3.1 file. Fails on a construct it does not know,
// so that a type is never wrong in silence.
import {mkdirSync, readFileSync, writeFileSync} from "node:fs";
import {dirname} from "node:path";

const SIMPLE = {string: "string", integer: "number", number: "number", boolean: "boolean", null: "null"};

function refName(ref) {
  return ref.split("/").at(-1);
}

function objectType(schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(
    ([name, field]) => `  ${JSON.stringify(name)}${required.has(name) ? "" : "?"}: ${typeOf(field)};`
  );
  const more = schema.additionalProperties ?? fields.length === 0;
  if (fields.length === 0) return `{[name: string]: ${typeof more === "object" ? typeOf(more) : "unknown"}}`;
  if (more) fields.push("  [more: string]: unknown;");
  return `{\n${fields.join("\n")}\n}`;
}

function typeOf(schema) {
  if (schema.$ref) return refName(schema.$ref);
  const either = schema.oneOf ?? schema.anyOf;
  if (either) return either.map(typeOf).join(" | ");
  if (schema.allOf) return schema.allOf.map(typeOf).join(" & ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({...schema, type})).join(" | ");
  if (schema.type === "array") return `Array<${typeOf(schema.items)}>`;
  if (schema.type === "object") return objectType(schema);
  if (SIMPLE[schema.type]) return SIMPLE[schema.type];
  throw new Error(`types: cannot read ${JSON.stringify(schema)}`);
}

/** The text of a module with one type for each schema. */
export function typesOf(document) {
  const types = Object.entries(document.components.schemas).map(([name, schema]) => `export type ${name} = ${typeOf(schema)};\n`);
  return "// Made by tools/types.mjs from openapi.json; not for editing.\n" + types.join("\n");
}

if (process.argv[1]?.endsWith("types.mjs")) {
  const [, , from, to] = process.argv;
  mkdirSync(dirname(to), {recursive: true});
  writeFileSync(to, typesOf(JSON.parse(readFileSync(from, "utf8"))));
}
