import { workerData } from "node:worker_threads";
import { loadThreadBinding } from "../../../runtime/threadBinding.js";
import { isClosed, openTicketReader, readTicket, type StreamWork, takeTicket, waitForTickets } from "./ring.js";

/** Reads images until the ring is closed: ending a thread within a call of TensorFlow leaves that half done. */
const work = workerData as StreamWork;
const reader = openTicketReader(loadThreadBinding());

while (!isClosed(work.ring)) {
  const ticket = takeTicket(work.ring);
  if (ticket === undefined) waitForTickets(work.ring);
  else readTicket(work, reader, ticket);
}
