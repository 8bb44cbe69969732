/**
 * The part of TypeBox that the formats use, from its own modules: the whole of it would be half of
 * the viewer. `viewer-build.ts` puts this in its place.
 */
import { Optional } from "../../node_modules/typebox/build/type/types/_optional.mjs";
import { Array } from "../../node_modules/typebox/build/type/types/array.mjs";
import { Boolean } from "../../node_modules/typebox/build/type/types/boolean.mjs";
import { Integer } from "../../node_modules/typebox/build/type/types/integer.mjs";
import { Literal } from "../../node_modules/typebox/build/type/types/literal.mjs";
import { Null } from "../../node_modules/typebox/build/type/types/null.mjs";
import { Number } from "../../node_modules/typebox/build/type/types/number.mjs";
import { Object } from "../../node_modules/typebox/build/type/types/object.mjs";
import { String } from "../../node_modules/typebox/build/type/types/string.mjs";
import { Union } from "../../node_modules/typebox/build/type/types/union.mjs";
import { Check } from "../../node_modules/typebox/build/value/check/index.mjs";
import { Errors } from "../../node_modules/typebox/build/value/errors/index.mjs";

export const Type = {
  Array,
  Boolean,
  Integer,
  Literal,
  Null,
  Number,
  Object,
  Optional,
  String,
  Union,
};
export const Value = { Check, Errors };
