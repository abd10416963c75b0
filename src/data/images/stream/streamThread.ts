import { workerData } from "node:worker_threads";
import { loadThreadBinding } from "../../../runtime/threadBinding.js";
import { openTicketReader, readTicket, type StreamWork } from "./readTicket.js";
import { takeTicket, waitForTickets } from "./ring.js";

/** Reads images for as long as the process lives; whoever started the thread ends it. */
const work = workerData as StreamWork;
const reader = openTicketReader(loadThreadBinding());

for (;;) {
  const ticket = takeTicket(work.ring);
  if (ticket === undefined) waitForTickets(work.ring);
  else readTicket(work, reader, ticket);
}
