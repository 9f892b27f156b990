#!/usr/bin/env node
import { podAddress } from '../vllm/pod-address.ts';
import { operatorProgram } from './program.ts';

await operatorProgram(process, podAddress);
