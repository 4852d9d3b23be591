/** The main job with the functions that @hey-api/openapi-ts made (./client). */

import assert from "node:assert/strict";
import { createClient } from "./client/client/index.js";
import {
  addSeats,
  changeExpiry,
  createUser,
  deleteStudent,
  dissociateStudent,
  enrollStudent,
  getOperation,
  getSettings,
  getStudent,
  listStudents,
  searchProducts,
  searchUser,
  setAccess,
  upsertStudent,
} from "./client/sdk.gen.js";
import type { Conflict, Invalid, Student, StudentList } from "./client/types.gen.js";
import { clientEmail, emailOf, origin, people, run, token, waitUntil } from "./job.js";

const client = createClient({ baseUrl: origin, auth: token });

/** The body of a success; fails with the refusal otherwise. */
const data = <Body>(answer: { data?: Body; error?: unknown }): Body => {
  assert(answer.data !== undefined, JSON.stringify(answer.error));
  return answer.data;
};

const found = data(await searchProducts({ client, query: { term: "workplace safety" } })).data;
const course = found.find((product) => product.productable_type === "Course")?.productable_id;
assert(course);

const name = `Client of ${run}`;
const user = data(
  await createUser({ client, body: { name, email: clientEmail, password: "a secret phrase", max_seats: 20 } }),
).data;
const path = { id: user.id };
const access = (max_seats: number | null) =>
  setAccess({ client, path, body: { thinkific_id: course, active: true, max_seats, enrollment_days: 90 } });
assert.equal(data(await access(null)).data.products[0]?.max_seats, null);
data(await access(10));
const moreSeats = () =>
  addSeats({
    client,
    path,
    headers: { "Idempotency-Key": `seats-${run}` },
    body: { thinkific_id: course, active: true, add_seats: 5, enrollment_days: 90 },
  });
assert.equal(data(await moreSeats()).data.products[0]?.max_seats, 15);
const again = await moreSeats();
assert.equal(data(again).data.products[0]?.max_seats, 15);
assert.equal(again.response?.headers.get("Idempotency-Replayed"), "true");

const ids: number[] = [];
for (const [first_name, last_name] of people) {
  const email = emailOf(first_name, last_name);
  const made = await upsertStudent({ client, body: { first_name, last_name, email, user_email: clientEmail } });
  ids.push(data(made).data.id);
  const body = { email, user_email: clientEmail, enrollments: [course] };
  assert(data(await enrollStudent({ client, body })).data.enrollments[0]?.expiry_date);
}

const read = async (student: number): Promise<Student> =>
  data(await getStudent({ client, path: { id: student } })).data;
for (const student of ids) {
  await waitUntil(async () => (await read(student)).enrollments[0]?.status === "active");
}

const listed: number[] = [];
let cursor: string | null = "";
while (cursor !== null) {
  const page: StudentList = data(await listStudents({ client, query: { per_page: 2, sort: "-id", cursor } }));
  listed.push(...page.data.map((student) => student.id));
  cursor = page.meta.next_cursor;
}
assert.deepEqual(listed, [...new Set(listed)].sort((one, other) => other - one));
assert(ids.every((student) => listed.includes(student)));

const former = await read(ids.pop() ?? 0);
const left = await dissociateStudent({ client, body: { email: former.email, user_email: clientEmail } });
assert.deepEqual(data(left).data.users, []);
assert.equal((await deleteStudent({ client, path: { id: former.id } })).response?.status, 204);

assert.equal(data(await searchUser({ client, body: { email: clientEmail.toUpperCase() } })).data.id, user.id);

const { operation } = data(await changeExpiry({ client, path, body: { product: course, type: "expire_now" } }));
const progress = async () => data(await getOperation({ client, path: { id: operation.id } })).data;
await waitUntil(async () => !["pending", "running"].includes((await progress()).status));
const { status, total, failures } = await progress();
assert.deepEqual({ status, total, failures }, { status: "succeeded", total: ids.length, failures: [] });

const taken = await createUser({
  client,
  body: { name: "Another", email: clientEmail, password: "a secret phrase" },
});
assert.equal(taken.response?.status, 422);
assert.deepEqual(Object.keys((taken.error as Invalid).errors), ["email"]);
const unknown = await getStudent({ client, path: { id: 2 ** 40 } });
assert(unknown.response?.status === 404 && unknown.error);
data(await access(0));
const full = await upsertStudent({
  client,
  body: {
    first_name: "No",
    last_name: "Seat",
    email: `no.seat@${run}.example.com`,
    user_email: clientEmail,
    enrollments: [course],
    enforce_seats: true,
  },
});
assert.equal(full.response?.status, 409);
const conflict = full.error as Conflict;
assert.equal(conflict.code, "seats_exhausted");
assert.deepEqual(conflict.seats?.map((seat) => [seat.max_seats, seat.requested]), [[0, 1]]);
data(await access(15));
const stranger = createClient({ baseUrl: origin, auth: "wrong" });
assert.equal((await getSettings({ client: stranger })).response?.status, 401);
