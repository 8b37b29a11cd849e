/** The crowd: a process of its own that asks for tokens as it is told, whatever the answers are. */
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent } from '../answering.ts'
import type { OverloadPhase, OverloadResult } from './phase.ts'
import { Sender } from './sender.ts'

/** How often requests that are due are sent, in milliseconds. */
const tick = 1

/** How long what is under way at the end is waited for, so that its successors are known; it does not count. */
const grace = 12_000

async function run(phase: OverloadPhase): Promise<OverloadResult> {
  const sender = new Sender(phase)
  const { load, milliseconds } = phase
  await sender.open()
  const began = performance.now()
  const underWay =
    'clients' in load
      ? drive(sender, load.clients, began + milliseconds)
      : offer(sender, load.perSecond, began + milliseconds)
  await delay(milliseconds)
  sender.isOver = true
  const took = performance.now() - began
  await Promise.race([underWay, delay(grace)])
  sender.close()
  return sender.summarise(took)
}

/** A closed loop: each client waits for its answer and asks again. */
async function drive(sender: Sender, clients: number, deadline: number): Promise<void> {
  const client = async () => {
    while (performance.now() < deadline) await sender.send(performance.now())
  }
  await Promise.all(Array.from({ length: clients }, client))
}

/** An open loop: requests come when they are due, as people do, whether or not those before were answered. */
async function offer(sender: Sender, perSecond: number, deadline: number): Promise<void> {
  const began = performance.now()
  const underWay = new Set<Promise<void>>()
  for (let sent = 0; performance.now() < deadline; await delay(tick)) {
    for (const due = () => began + (sent * 1_000) / perSecond; due() <= performance.now(); sent++) {
      const request = sender.send(due()).finally(() => underWay.delete(request))
      underWay.add(request)
    }
  }
  await Promise.all(underWay)
}

answerParent(run)
