"use strict";

const KEPT = "b2b-token"; // in this tab, so that a reload does not ask again
const form = document.getElementById("authorize");
const field = document.getElementById("token");
const told = document.getElementById("told");

const tell = (text, kind) => {
  told.textContent = text;
  told.className = kind;
};

/** Whether the API knows the token: reading the settings needs no scope. */
const isGood = async (token) => {
  const answer = await fetch("/api/settings", { headers: { Authorization: `Bearer ${token}` } });
  if (answer.status !== 200 && answer.status !== 401) throw new Error(`The API answered ${answer.status}.`);
  return answer.status === 200;
};

const authorize = async (page, token) => {
  try {
    if (!(await isGood(token))) {
      sessionStorage.removeItem(KEPT);
      tell("The API does not know this token: it is wrong, expired or revoked.", "wrong");
      return;
    }
  } catch (error) {
    tell(`That could not be tried. ${error.message}`, "wrong");
    return;
  }
  sessionStorage.setItem(KEPT, token);
  page.preauthorizeApiKey("token", token);
  tell("Authorized. Open a call below and press Execute.", "good");
};

const start = async () => {
  const described = await (await fetch("/api/openapi.json")).json();
  // Calls go to where the page came from, whatever stands between the two.
  described.servers = [{ url: location.origin }];
  const page = SwaggerUIBundle({
    spec: described,
    domNode: document.getElementById("api"),
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    onComplete: () => document.querySelector("#api .information-container")?.setAttribute("id", "conventions"),
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    authorize(page, field.value.trim());
  });
  const kept = sessionStorage.getItem(KEPT);
  if (kept) {
    field.value = kept;
    authorize(page, kept);
  }
};

start().catch((error) => tell(`The API's document could not be read. ${error.message}`, "wrong"));
