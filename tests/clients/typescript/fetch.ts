/** The main job with openapi-fetch, whose types openapi-typescript made (./schema). */

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import { clientEmail, emailOf, origin, people, run, token, waitUntil } from "./job.js";
import type { components, paths } from "./schema.js";

const api = createClient<paths>({ baseUrl: origin, headers: { Authorization: `Bearer ${token}` } });

/** The body of a success; fails with the refusal otherwise. */
const data = <Body>(answer: { data?: Body; error?: unknown }): Body => {
  assert(answer.data !== undefined, JSON.stringify(answer.error));
  return answer.data;
};

const found = data(await api.GET("/api/products/search", { params: { query: { term: "workplace safety" } } })).data;
const course = found.find((product) => product.productable_type === "Course")?.productable_id;
assert(course);

const user = data(
  await api.POST("/api/users", {
    body: { name: `Client of ${run}`, email: clientEmail, password: "a secret phrase", max_seats: 20 },
  }),
).data;
const id = { path: { id: user.id } };
const access = (max_seats: number | null) =>
  api.POST("/api/users/access/{id}", {
    params: id,
    body: { thinkific_id: course, active: true, max_seats, enrollment_days: 90 },
  });
assert.equal(data(await access(null)).data.products[0]?.max_seats, null);
data(await access(10));
const addSeats = () =>
  api.POST("/api/users/seat/{id}", {
    params: { ...id, header: { "Idempotency-Key": `seats-${run}` } },
    body: { thinkific_id: course, active: true, add_seats: 5, enrollment_days: 90 },
  });
assert.equal(data(await addSeats()).data.products[0]?.max_seats, 15);
const again = await addSeats();
assert.equal(data(again).data.products[0]?.max_seats, 15);
assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");

const ids: number[] = [];
for (const [first_name, last_name] of people) {
  const email = emailOf(first_name, last_name);
  const made = await api.POST("/api/students", { body: { first_name, last_name, email, user_email: clientEmail } });
  ids.push(data(made).data.id);
  const enrolled = data(
    await api.POST("/api/students/enroll", { body: { email, user_email: clientEmail, enrollments: [course] } }),
  ).data;
  assert(enrolled.enrollments[0]?.expiry_date);
}

const read = async (student: number): Promise<components["schemas"]["Student"]> =>
  data(await api.GET("/api/students/{id}", { params: { path: { id: student } } })).data;
for (const student of ids) {
  await waitUntil(async () => (await read(student)).enrollments[0]?.status === "active");
}

const listed: number[] = [];
let cursor: string | null = "";
while (cursor !== null) {
  const page: components["schemas"]["StudentList"] = data(
    await api.GET("/api/students", { params: { query: { per_page: 2, sort: "-id", cursor } } }),
  );
  listed.push(...page.data.map((student) => student.id));
  cursor = page.meta.next_cursor;
}
assert.deepEqual(listed, [...new Set(listed)].sort((one, other) => other - one));
assert(ids.every((student) => listed.includes(student)));

const former = await read(ids.pop() ?? 0);
const left = await api.POST("/api/students/dissociate", { body: { email: former.email, user_email: clientEmail } });
assert.deepEqual(data(left).data.users, []);
const gone = await api.DELETE("/api/students/{id}", { params: { path: { id: former.id } } });
assert.equal(gone.response.status, 204);

const same = data(await api.POST("/api/users/search", { body: { email: clientEmail.toUpperCase() } })).data;
assert.equal(same.id, user.id);

const { operation } = data(
  await api.POST("/api/users/enrollments/{id}", { params: id, body: { product: course, type: "expire_now" } }),
);
const progress = async () =>
  data(await api.GET("/api/operations/{id}", { params: { path: { id: operation.id } } })).data;
await waitUntil(async () => !["pending", "running"].includes((await progress()).status));
const { status, total, failures } = await progress();
assert.deepEqual({ status, total, failures }, { status: "succeeded", total: ids.length, failures: [] });

const taken = await api.POST("/api/users", {
  body: { name: "Another", email: clientEmail, password: "a secret phrase" },
});
assert(taken.response.status === 422 && taken.error && "errors" in taken.error);
assert.deepEqual(Object.keys(taken.error.errors), ["email"]);
const unknown = await api.GET("/api/students/{id}", { params: { path: { id: 2 ** 40 } } });
assert(unknown.response.status === 404 && unknown.error?.message);
data(await access(0));
const full = await api.POST("/api/students", {
  body: {
    first_name: "No",
    last_name: "Seat",
    email: `no.seat@${run}.example.com`,
    user_email: clientEmail,
    enrollments: [course],
    enforce_seats: true,
  },
});
assert(full.response.status === 409 && full.error && "code" in full.error);
assert.equal(full.error.code, "seats_exhausted");
assert.deepEqual(full.error.seats?.map((seat) => [seat.max_seats, seat.requested]), [[0, 1]]);
data(await access(15));
const stranger = createClient<paths>({ baseUrl: origin, headers: { Authorization: "Bearer wrong" } });
assert.equal((await stranger.GET("/api/settings")).response.status, 401);
